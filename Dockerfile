# docker build -t bluethread .
# docker run -d --name bluethread --restart unless-stopped --stop-timeout 15 \
#   --env-file .env -p 127.0.0.1:3000:3000 -v bluethread:/data bluethread
# With PostgreSQL: compose.yml. Workers, and the rest: docs/deploy.md.
#
# The digest names one exact base image, so the same commit builds the same image. Renew it for security fixes of
# Debian and Python: `docker buildx imagetools inspect python:3.13-slim` prints the new one behind "Digest:".
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

# Everything in the lock has a wheel, so no compiler is needed.
# `--build-arg HEIC=1` adds what copies HEIC pictures as JPEG. One package of it is under the GPL, version 2.
ARG HEIC=
COPY requirements.txt requirements-heic.txt /tmp/
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action ignore \
        --no-deps --require-hashes --only-binary :all: -r /tmp/requirements.txt \
        ${HEIC:+-r /tmp/requirements-heic.txt} \
    && pip check \
    && rm /tmp/requirements*.txt

# The bot may write to /data and nowhere else.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin bluethread \
    && install --directory --owner bluethread --group bluethread --mode 0700 /data
VOLUME /data

WORKDIR /app
COPY bot bot
COPY handlers handlers
COPY LICENSE THIRD-PARTY-NOTICES.md ./
RUN python -m compileall -q bot handlers

ENV PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATABASE_URL=sqlite:////data/bluethread.db
EXPOSE 3000
USER bluethread

# Asks whether the process answers. /readyz says whether it works, but a restart would not repair what that reports.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

# On SQLite it migrates the database itself. Only one container may use the database: stop the old one first.
CMD ["python", "-m", "bot", "serve"]
