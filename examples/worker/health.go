package main

import (
	"context"
	"io"
	"net/http"
	"time"
)

// addHealth adds /healthz, for who restarts processes that hang, and /readyz, for who sends them requests. Neither tells a
// stranger what is wrong; the log does.
func addHealth(mux *http.ServeMux, h *host, stopping <-chan struct{}) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-stopping:
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		default:
		}
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := h.store.Check(ctx); err != nil {
			h.log.WarnContext(ctx, "not ready", "error", err)
			http.Error(w, "the database does not answer as it should", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
}
