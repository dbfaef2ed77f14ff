"""What `import stockjobs` offers: a handful of functions on one container, made at the first call."""
