"""The asset checks: what Dagster asks of published data."""
