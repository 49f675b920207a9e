"""Start my own shop: how to begin, removing the sample data, and what a real shop still needs."""

from core.foundation.settings import load_settings
from core.sample import removal
from core.screens import starting
from dashboard.door import session
from dashboard.frame import live, outcome
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.starting import checklist, removing, ways

person = session.actor()
with frame.page(tr("Start my own shop"), person):
    outcome.show()
    live.watch_shop()
    sample = session.run(removal.contents)
    way = ways.choose(is_sample=sample is not None)
    if sample is not None and way != ways.DATABASE:
        removing.show(sample)
    checklist.show(session.run(starting.steps, settings=load_settings()))
