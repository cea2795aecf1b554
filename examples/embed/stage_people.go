package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"

	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// person is a technician at the RMM's web pages.
type person struct {
	id, password string
	session      string
	process      *process
}

// refusal is what the RMM answered where something did not work.
type refusal struct {
	Status  int             `json:"-"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Details json.RawMessage `json:"details"`
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

// hire adds a technician, who logs in.
func (s *stage) hire(ctx context.Context, id string, role rmm.Role, customers ...string) (*person, error) {
	password := "correct horse " + id
	if err := s.first.app.AddTechnician(ctx, rmm.Technician{ID: id, Name: id, Role: role}, password, customers...); err != nil {
		return nil, err
	}
	p := &person{id: id, password: password, process: s.first}
	return p, p.login(ctx)
}

func (p *person) login(ctx context.Context) error {
	var in struct{ Session string }
	err := ask(ctx, p.process.app, nil, "POST", "/login", map[string]string{"technician": p.id, "password": p.password}, &in)
	p.session = in.Session
	return err
}

// ask sends a request with a value as JSON, or with bytes as they are, and reads the answer into a value, or bytes. A person
// whose session has ended logs in again.
func (p *person) ask(ctx context.Context, method, path string, body, into any) error {
	send := func() error {
		header := http.Header{"Authorization": {"Bearer " + p.session}}
		return ask(ctx, p.process.app, header, method, path, body, into)
	}
	err := send()
	if told, is := errors.AsType[*refusal](err); is && told.Status == http.StatusUnauthorized {
		if err := p.login(ctx); err != nil {
			return err
		}
		return send()
	}
	return err
}

// ask sends a request to a process of the RMM. A refusal is a [*refusal].
func ask(ctx context.Context, app http.Handler, header http.Header, method, path string, body, into any) error {
	raw, is := body.([]byte)
	if !is && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(raw))
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}
	if w.Code >= http.StatusBadRequest {
		told := &refusal{Status: w.Code}
		if err := json.Unmarshal(answer, told); err != nil {
			return fmt.Errorf("%d: %s", w.Code, answer)
		}
		return told
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = answer
		return nil
	}
	if len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, into)
}
