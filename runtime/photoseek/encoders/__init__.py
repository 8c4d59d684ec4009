"""Text and image encoders over onnxruntime sessions."""
