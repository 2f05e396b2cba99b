"""In which order the space is tried, a grid or sampled by Optuna; and the Pareto front of what came out."""
