"""Photo sources: a folder of this machine, or a prefix of a bucket in object storage."""
