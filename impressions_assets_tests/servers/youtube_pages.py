"""The pages, and the endpoints behind them, that yt-dlp reads."""

from impressions_assets_tests.servers.youtube import Routes

ROUTES: Routes = {}
