"""Everything Dagster: partitions, assets, checks, resources and jobs. Thin: the work is done by the stages."""
