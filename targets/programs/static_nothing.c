// Does nothing, without a loader: for a scenario of what a preload library cannot enter.
int main(void) { return 0; }
