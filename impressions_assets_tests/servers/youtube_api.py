"""The Data API v3, as googleapiclient asks it."""

from impressions_assets_tests.servers.youtube import Routes

ROUTES: Routes = {}
