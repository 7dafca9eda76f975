"""Everything Dagster: partitions, assets, checks, resources and jobs. Thin: the work is done by the stages."""

import warnings

from dagster import BetaWarning, PreviewWarning

# Code references and partitioned checks are marked beta and preview; that they are used is a decision, not news.
for category in (BetaWarning, PreviewWarning):
    warnings.filterwarnings("ignore", category=category)
