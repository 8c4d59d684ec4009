"""The search page, drawn with Streamlit (extra ``app``).

`launch` starts it as a separate process, `app` draws it; ``import photoseek`` loads neither.
"""
