module github.com/abmrenew/abmrenew/internal/bench

go 1.26.0

require github.com/abmrenew/abmrenew v0.0.0

require (
	github.com/micromdm/nanodep v0.7.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
)

replace github.com/abmrenew/abmrenew => ../..
