"""The prebuilt components, one package each."""
