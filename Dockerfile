# The image of everything that is ours: migration, beat, workers, Flower, stockctl and the simulator. For amd64 and arm64.
#
#   docker build -t stockjobs:0.1.0 .
#
# For builds that are to be the same for ever, pin the base by digest: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
ENV UV_PROJECT_ENVIRONMENT=/opt/stockjobs \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /src
# What we stand on changes seldom, and is a layer of its own.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev --no-install-project
COPY README.md LICENSE ./
COPY stockjobs stockjobs
COPY workers workers
COPY beat beat
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev --no-editable

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="stockjobs" \
      org.opencontainers.image.description="Collects market data into SQL" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 stockjobs \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin stockjobs
COPY --from=build /opt/stockjobs /opt/stockjobs
COPY --chmod=0755 deploy/stockjobs-alive /usr/local/bin/stockjobs-alive
WORKDIR /app
COPY deploy/flower.py deploy/flower.py
COPY examples examples
# The root of a container is read-only: nothing is compiled or cached outside of /tmp.
ENV PATH=/opt/stockjobs/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
# What is healthy depends on what runs: docker-compose.yml says it for each service.
HEALTHCHECK NONE
CMD ["stockctl", "--help"]
