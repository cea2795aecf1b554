package main

import (
	"io"
	"sync"
)

// turnsWriter lets one write end before the next begins: notices come from workers, while a person is shown what the
// program waits for.
type turnsWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *turnsWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
