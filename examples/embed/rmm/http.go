package rmm

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// Error is what the API answers where something does not work.
type Error struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Details any    `json:"details,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// File is an answer that the browser saves.
type File struct {
	Name string
	Data []byte
}

// Request is a technician's request.
type Request struct {
	*http.Request
	Who      Technician
	Customer string // of the path; the technician works for it
}

// Handler answers a request with a value that becomes JSON, or with a [File]. An [*Error] says what to answer otherwise.
type Handler func(q Request) (any, error)

var (
	errNotThere = &Error{Status: http.StatusNotFound, Code: "not_found", Message: "There is nothing here"}
	errRole     = &Error{Status: http.StatusForbidden, Code: "role", Message: "Your role does not allow this"}
)

// Handle adds a handler for those who have a role. Where the path has a {customer}, it is one for whom the technician works;
// others are not found.
func (a *App) Handle(pattern string, role Role, h Handler) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		answer, err := a.handle(r, role, h)
		a.answer(w, r, answer, err)
	})
}

func (a *App) handle(r *http.Request, role Role, h Handler) (any, error) {
	who, err := a.who(r)
	if err != nil {
		return nil, err
	}
	if role == Admins && who.Role != Admins {
		return nil, errRole
	}
	customer := r.PathValue("customer")
	if customer != "" {
		if works, err := a.worksFor(r.Context(), who, customer); err != nil || !works {
			return nil, errors.Join(err, errNotThere)
		}
	}
	return h(Request{Request: r, Who: who, Customer: customer})
}

// maxBody bounds what a request may bring.
const maxBody = 4 << 20

// Decode reads the JSON of a request.
func Decode(r *http.Request, into any) error {
	err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(into)
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "json", Message: "The request is not the JSON that is expected here"}
	}
	return nil
}

func (a *App) answer(w http.ResponseWriter, r *http.Request, answer any, err error) {
	if err != nil {
		told, is := errors.AsType[*Error](err)
		if !is {
			a.Log.ErrorContext(r.Context(), "a request failed", "path", r.URL.Path, "error", err)
			told = &Error{Status: http.StatusInternalServerError, Code: "internal", Message: "Something went wrong; try again"}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(told.Status)
		_ = json.NewEncoder(w).Encode(told)
		return
	}
	if file, is := answer.(File); is {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
		_, _ = w.Write(file.Data)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
