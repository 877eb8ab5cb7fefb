"""What a component is: signature, channels, pipeline, fingerprint and execution context."""
