FROM python:3.11-slim
WORKDIR /stockroom
COPY requirements.txt .
RUN python -m pip install --no-cache-dir -r requirements.txt
COPY . .
RUN python -m compileall -q core dashboard pages
USER nobody
ENV STOCKROOM_ADDRESS=0.0.0.0 STOCKROOM_DATA=/tmp/stockroom
CMD ["python", "-m", "dashboard"]
