package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// listenFlags say where NanoMDM's webhook comes in.
type listenFlags struct {
	Listen        string `placeholder:"127.0.0.1:PORT" help:"Take NanoMDM's webhook here while running: the old MDM's under /old, the new one's under /new."`
	WebhookKey    string `name:"webhook-key" placeholder:"@FILE" env:"ABMCTL_WEBHOOK_KEY" help:"What NanoMDM signs its events with (-webhook-hmac-key): in the environment, or @FILE with it on the first line."`
	AllowUnsigned bool   `name:"allow-unsigned" help:"Take events without a signature, from this machine alone."`
}

const (
	maxConnections = 128              // each may hold an event of a megabyte
	slowest        = 15 * time.Second // that an event may take to come in
	keepWithin     = 10 * time.Second // for events that have come in when the program ends
)

// listener checks the flags and opens the address; nil: nobody listens.
func (f listenFlags) listener() (net.Listener, error) {
	if f.Listen == "" {
		if f.AllowUnsigned {
			return nil, wrong("allow-unsigned", "given beside --listen")
		}
		return nil, nil
	}
	host, _, err := net.SplitHostPort(f.Listen)
	if err != nil {
		return nil, wrong("listen", "an address and a port, such as 127.0.0.1:9000").Because(err)
	}
	addr, err := netip.ParseAddr(host)
	loopback := host == "localhost" || err == nil && addr.IsLoopback()
	switch {
	case f.WebhookKey == "" && !f.AllowUnsigned:
		return nil, wrong("webhook-key", "given beside --listen: in ABMCTL_WEBHOOK_KEY, or as @FILE; or --allow-unsigned on a loopback address")
	case f.WebhookKey != "" && f.AllowUnsigned:
		return nil, wrong("allow-unsigned", "left out where --webhook-key is given")
	case f.AllowUnsigned && !loopback:
		return nil, wrong("allow-unsigned", "left out where --listen is no loopback address: anybody could tell what devices did")
	}
	l, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return nil, wrong("listen", "an address of this machine that is free: "+err.Error()).Because(err)
	}
	return limited{l, make(chan struct{}, maxConnections)}, nil
}

// serve answers until the context ends, and then lets events that have come in be kept, for so long.
func serve(ctx context.Context, l net.Listener, handler http.Handler, farewell time.Duration) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: slowest / 3, ReadTimeout: slowest, WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the listener ended: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if server.Shutdown(last) != nil {
		_ = server.Close() // who is slower than that is not waited for
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the listener ended: %w", err)
	}
	return nil
}

// limited lets no more connections in than there are places.
type limited struct {
	net.Listener
	places chan struct{}
}

func (l limited) Accept() (net.Conn, error) {
	l.places <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &place{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// place is a connection that gives its place back.
type place struct {
	net.Conn
	leave func()
}

func (p *place) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
