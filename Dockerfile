# Habitué as a container: the command line is the entry point, serving the API is what it does by default.
#
#   docker build -t habitue .
#   docker build -t habitue --build-arg PIP_OPTIONS="--extra-index-url ..." .     (PyTorch's index of CPU builds: much smaller)
#   docker run -p 127.0.0.1:8000:8000 -e HABITUE_API_KEY=... -v habitue-workspace:/workspace habitue

ARG PYTHON_VERSION=3.12

FROM python:${PYTHON_VERSION}-slim AS build
ARG PIP_OPTIONS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/habitue
# The dependencies first: this layer is built anew only when one of them changes.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'], *p['optional-dependencies']['demo'], sep='\n')" > requirements.txt \
 && /opt/habitue/bin/pip install ${PIP_OPTIONS} -c constraints.txt -r requirements.txt
COPY README.md LICENSE ./
COPY api ./api
COPY audiences ./audiences
COPY cypher ./cypher
COPY embeddings ./embeddings
COPY gnn ./gnn
COPY graph ./graph
COPY habitue ./habitue
COPY scoring ./scoring
RUN /opt/habitue/bin/pip install --no-deps .

FROM python:${PYTHON_VERSION}-slim
# LightGBM needs the OpenMP runtime, which the slim image lacks.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 habitue \
 && install -d -o habitue -g habitue /workspace
COPY --from=build /opt/habitue /opt/habitue
# PYSTOW_HOME: PyKEEN makes a folder when it is imported, and the root file system may be read-only.
ENV PATH=/opt/habitue/bin:$PATH \
    HABITUE_WORKSPACE=/workspace \
    OMP_WAIT_POLICY=PASSIVE \
    PYSTOW_HOME=/tmp/pystow \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER habitue
WORKDIR /workspace
VOLUME ["/workspace"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Beyond loopback the server asks for HABITUE_API_KEY and refuses to start without it.
ENTRYPOINT ["habitue"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
