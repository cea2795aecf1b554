package main

import "io"

// stickyWriter remembers that a write failed, so that an answer which nobody got is no success: a full disk behind a
// redirection, a closed pipe.
type stickyWriter struct {
	io.Writer
	err error
}

func (s *stickyWriter) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}
