"""`python -m impressions_assets` is the `impressions` command."""

from impressions_assets.cli.main import app

if __name__ == "__main__":
    app()
