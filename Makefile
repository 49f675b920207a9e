# Stockroom. `make` or `make help` lists the commands.
# You need only Python 3.11, git and make. Paths are relative, so the name of the folder may contain spaces.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.test-ready
LOCK := pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
# Bytecode is kept, also where Python is set not to: tests start many programs, and each would compile all of it again.
export PYTHONDONTWRITEBYTECODE =
# Three processes keep two cores busy: a test waits for programs, locks and browsers. A file of tests stays in one of
# them. `make test JOBS=1` runs them all in one.
JOBS ?= 3
PYTEST := $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder --durations=20
FAST := --ignore=tests/dashboard --ignore=tests/browser --ignore=tests/stateful --ignore=tests/races --ignore=tests/bench -m "not slow" --one-server

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench bench-large chaos sample psql lock browser clean

help:
	@echo "make run          start the dashboard; prints the address. Ctrl-C stops it"
	@echo "make test         run linters, types and all tests (installs what they need)"
	@echo "make check        run linters, types and the fast tests"
	@echo "make sample       fill an empty database with the sample shop"
	@echo "make psql         open a SQL prompt on the database"
	@echo "make bench        measure speed against plain PostgreSQL"
	@echo "make bench-large  measure at ten million movements and a million orders (takes long)"
	@echo "make chaos        kill processes, servers and disks under load, and check the ledger (three minutes)"
	@echo "make lock         pin the newest versions that pyproject.toml allows"
	@echo "make clean        remove what these commands installed; keeps the shop's data"
	@echo
	@echo "Settings, all optional environment variables:"
	@echo "DATABASE_URL         your own PostgreSQL 15-18 (default: the one that comes with Stockroom)"
	@echo "STOCKROOM_OWNER_URL  the same database as an account that may migrate (default: DATABASE_URL)"
	@echo "STOCKROOM_READ_URL   streaming replicas to read from, separated by spaces"
	@echo "STOCKROOM_DATA       the data folder"
	@echo "STOCKROOM_ADDRESS    where to listen (default: 127.0.0.1)"
	@echo "STOCKROOM_PORT       the port (default: 8501)"
	@echo "STOCKROOM_SAMPLE     0 starts empty, without the sample shop"
	@echo "STOCKROOM_CORS_ORIGINS"
	@echo "                     sites whose pages may call the API from a browser, separated by commas"
	@echo "STOCKROOM_SELL_UNVERIFIED"
	@echo "                     1 calls a cart valid while stock cannot be looked up (default: refuse)"
	@echo "STOCKROOM_API_KEY    the key that check-api sends"
	@echo "STOCKROOM_BACKUPS    the folder for backups (default: backups in the data folder)"
	@echo "STOCKROOM_BACKUPS_KEPT"
	@echo "                     how many backups to keep (default: 14)"
	@echo "STOCKROOM_LOG        quiet logs only problems, plain and json a line for each operation"
	@echo "STOCKROOM_WORKER     0 leaves the jobs to \`python -m core worker\`"
	@echo "STOCKROOM_NOTIFY_<NAME>"
	@echo "                     where alerts are sent, as an Apprise URL; any number of them"
	@echo "STOCKROOM_MAIL_URL   the mail account for order confirmations: mailtos://... (default: none)"
	@echo "STOCKROOM_PUBLIC_URL where people open the dashboard, for links in messages (default: no links)"
	@echo "STOCKROOM_OIDC_ISSUER"
	@echo "STOCKROOM_OIDC_CLIENT_ID"
	@echo "STOCKROOM_OIDC_CLIENT_SECRET"
	@echo "                     your own identity provider, to sign in there (default: none)"
	@echo "STOCKROOM_PRIVATE_HOOKS"
	@echo "                     1 lets webhooks use http and addresses in your own network (default: 0)"
	@echo "STRIPE_SECRET_KEY    the key to read payments with; a restricted one is enough (default: none)"
	@echo "STRIPE_WEBHOOK_SECRET"
	@echo "                     the signing secret of the webhook; two, with a comma, while you replace it"
	@echo "STOCKROOM_STRIPE_GUARD_KEY"
	@echo "                     the Stripe guard's own key, which may write (default: none)"
	@echo "STRIPE_API_BASE      another server in place of Stripe's, for trials (default: Stripe's own)"
	@echo "STOCKROOM_TRUSTED_PROXIES"
	@echo "                     proxies in front, as addresses or networks separated by commas, whose"
	@echo "                     X-Forwarded-For and X-Forwarded-Proto are trusted (default: none)"

run: $(READY)
	@$(BIN)/python -m dashboard

test: $(TEST_READY) browser
	$(BIN)/ruff check .
	.ci/beside "$(BIN)/python -m mypy" "$(PYTEST)"

check: $(TEST_READY)
	$(BIN)/ruff check .
	.ci/beside "$(BIN)/python -m mypy" '$(PYTEST) $(FAST)'

bench: $(TEST_READY)
	@$(BIN)/python -m tests.bench

bench-large: $(TEST_READY)
	@$(BIN)/python -m tests.bench --large

chaos: $(TEST_READY)
	@$(BIN)/python -m tests.chaos

sample: $(READY)
	@$(BIN)/python -m core sample

psql: $(READY)
	@$(BIN)/python -m core.psql

browser: $(TEST_READY)
	@$(BIN)/python -m tests.browser.chromium

lock: $(TEST_READY)
	@$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/$(LOCK) --upgrade --output-file=requirements.txt pyproject.toml
	$(BIN)/$(LOCK) --upgrade --extra=test --constraint=requirements.txt --output-file=tests/requirements.txt pyproject.toml

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.txt
	@PYTHON="$(PYTHON)" sh .ci/venv requirements.txt
	@touch $@

$(TEST_READY): $(READY) tests/requirements.txt
	@PYTHON="$(PYTHON)" sh .ci/venv tests/requirements.txt
	@touch $@
