"""Churn risk and future value: task, features, baselines, the graph network, backtest."""
