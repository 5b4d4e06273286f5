"""What youtube-transcript-api asks: the watch page, the player, the caption tracks."""

from impressions_assets_tests.servers.youtube import Routes

ROUTES: Routes = {}
