//go:build race

package main

// raceDetector: everything takes several times as long.
const raceDetector = true
