# The service (default), the page and the command line: see docs/containers.md.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
# Annoy is compiled, for any CPU of the architecture: the image may run on another machine.
ENV ANNOY_COMPILER_ARGS=-O3,-ffast-math,-fno-associative-math,-fpermissive,-std=c++14,-DANNOYLIB_MULTITHREADED_BUILD \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/photoseek
WORKDIR /src
COPY packaging/locks/container.txt packaging/locks/
RUN /opt/photoseek/bin/pip install --require-hashes --requirement packaging/locks/container.txt
COPY . .
RUN /opt/photoseek/bin/pip install --no-deps .

FROM ${BASE}
RUN useradd --uid 10001 --home-dir /gallery --no-create-home --shell /usr/sbin/nologin photoseek \
    && install --directory --owner photoseek --group photoseek /gallery \
    && install --directory /photos
COPY --from=build /opt/photoseek /opt/photoseek
# HOME: cached graphs, pulled models and the list of trusted galleries are kept in the volume, too.
ENV HOME=/gallery \
    PATH=/opt/photoseek/bin:$PATH \
    PHOTOSEEK_GALLERY=/gallery/index \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /gallery
VOLUME ["/gallery"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["photoseek"]
CMD ["serve", "--address", "0.0.0.0"]
