# Stands for the official image of PostgreSQL where no registry can be reached: same user, variables and folder.
ARG BASE
FROM ${BASE}
RUN useradd --uid 999 --user-group --home-dir /var/lib/postgresql postgres \
    && apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 \
    && install --directory --owner=postgres --group=postgres --mode=0700 /var/lib/postgresql/data
ENV PATH=/usr/lib/postgresql/15/bin:$PATH
COPY postgres.sh /usr/local/bin/postgres.sh
USER postgres
STOPSIGNAL SIGINT
CMD ["sh", "/usr/local/bin/postgres.sh"]
