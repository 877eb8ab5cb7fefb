"""Who calls a component: the local runner and Kubeflow Pipelines."""
