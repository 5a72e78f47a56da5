"""Grafana's dashboards as code: `python -m deploy.grafana FOLDER`."""
