//go:build !race

package runner_test

// raceDetector: everything takes several times as long.
const raceDetector = false
