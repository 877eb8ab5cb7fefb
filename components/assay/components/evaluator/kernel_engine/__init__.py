"""The evaluation by the metric kernels, of tables of predictions or of models: TFMA's meaning, without TFMA."""
