module github.com/seed-dea4846a/sampler

go 1.26
