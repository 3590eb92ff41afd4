# One container that audits by itself: `serve` as the default, every other command by its name.
# Rootless, nothing written but /data and /tmp:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --network none \
#     --memory 8g --volume DATA:/data imaging-order-audit
# docs/scheduling.md tells the rest: what lies in /data, a mirror of packages, when a network is needed.

ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
# A mirror, where the site has one; nothing of it is in the image that runs.
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN ["python", "-m", "venv", "/app"]
COPY requirements-run.lock ./
RUN ["/app/bin/pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements-run.lock"]
COPY pyproject.toml ./
COPY flows ./flows
COPY rules ./rules
COPY sql ./sql
COPY expectations ./expectations
COPY reports ./reports
RUN ["/app/bin/pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "."]
RUN ["/app/bin/pip", "check"]

FROM python:${PYTHON}
RUN ["useradd", "--uid", "10001", "--user-group", "--no-create-home", "--home-dir", "/tmp", "--shell", "/usr/sbin/nologin", "audit"]
COPY --from=build /app /app
ENV PATH=/app/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp DO_NOT_TRACK=1
USER 10001:10001
WORKDIR /data
VOLUME /data
# Healthy: somebody is there and the last audit succeeded. `out` in audit.toml is "audit", so /data/audit.
HEALTHCHECK --interval=5m --timeout=60s --start-period=10m CMD ["imaging-audit", "health", "--out", "/data/audit"]
ENTRYPOINT ["imaging-audit"]
CMD ["serve", "--config", "/data/audit.toml"]
