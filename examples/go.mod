module github.com/abmrenew/abmrenew/examples

go 1.26.0

require github.com/abmrenew/abmrenew v0.0.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/stretchr/testify v1.12.1 // indirect
)

replace github.com/abmrenew/abmrenew => ../
