"""Models of the Hugging Face hub, downloaded by name. Only ``pull`` uses the network."""
