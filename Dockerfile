# Onebook in a container: an unprivileged user, a root that may be read-only, and all that it keeps in /app/data.
FROM python:3.11-slim AS packages
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /app/.venv \
 && /app/.venv/bin/python -m pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

FROM python:3.11-slim
WORKDIR /app
COPY --from=packages /app/.venv /app/.venv
COPY engine engine
COPY migrations migrations
COPY ml ml
COPY storage storage
COPY gateways gateways
COPY services services
COPY diagnostics diagnostics
COPY handlers handlers
COPY bot.py LICENSE ./
# compiled code of ours and of the kernel: the first is made here, the second on the volume, for the machine it runs on
RUN /app/.venv/bin/python -m compileall -q . && mkdir data && chown 10001:10001 data && chmod 700 data
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/app/data/.cache/numba \
    MPLCONFIGDIR=/app/data/.cache/matplotlib
USER 10001:10001
VOLUME /app/data
# 0 is OK, 1 is WARN, which is no reason to restart anything, 2 is FAIL
HEALTHCHECK --interval=5m --timeout=30s --start-period=3m --retries=2 CMD python bot.py health || [ $? -eq 1 ]
ENTRYPOINT ["python", "bot.py"]
CMD ["run"]
