module github.com/abmrenew/abmrenew/internal/bench

go 1.26.0

replace github.com/abmrenew/abmrenew => ../..
