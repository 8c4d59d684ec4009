"""The search service over HTTP (extra ``serve``: FastAPI and uvicorn).

`launch` runs it, `app` assembles it; ``import photoseek`` loads neither.
"""
