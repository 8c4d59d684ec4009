"""The search service over HTTP (extra ``serve``: FastAPI and uvicorn); it only calls the library.

`launch` runs it, `app` puts it together; neither is loaded by ``import photoseek``.
"""
