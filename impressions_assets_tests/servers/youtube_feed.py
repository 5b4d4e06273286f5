"""The Atom feed of a channel's or a playlist's newest videos."""

from impressions_assets_tests.servers.youtube import Routes

ROUTES: Routes = {}
