"""Hand-over of the graph, or a part of it, to other tools: Parquet, GraphML, pandas, networkx, PyTorch Geometric."""
