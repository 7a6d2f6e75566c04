module oldornew/targets

go 1.19
