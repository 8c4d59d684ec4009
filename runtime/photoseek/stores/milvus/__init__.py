"""Milvus and Milvus Lite."""
