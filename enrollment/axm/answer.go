package axm

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const (
	maxErrorBody = 16 << 10 // bytes that are read of an error's body
	maxErrorText = 512      // bytes of a text in it that are kept
	maxDetails   = 10
)

// Code is Apple's own word for a refusal, dotted. Apple may send others than these: they are kept as they came.
type Code string

// Codes that were seen, and those of the token endpoint (RFC 6749, 5.2).
const (
	CodeNotFound           Code = "NOT_FOUND"
	CodeResourceNotFound   Code = "RESOURCE_NOT_FOUND"
	CodeConflict           Code = "CONFLICT"
	CodeForbidden          Code = "FORBIDDEN_ERROR"
	CodeAttributeInvalid   Code = "ENTITY_ERROR.ATTRIBUTE.INVALID"
	CodeMissingResources   Code = "MISSING_RESOURCES"
	CodeInvalidClient      Code = "invalid_client"
	CodeInvalidGrant       Code = "invalid_grant"
	CodeUnauthorizedClient Code = "unauthorized_client"
	CodeInvalidScope       Code = "invalid_scope"
)

// aboutAccount reports whether the token endpoint means the account, and not the request.
func (c Code) aboutAccount() bool {
	return slices.Contains([]Code{CodeInvalidClient, CodeInvalidGrant, CodeUnauthorizedClient, CodeInvalidScope}, c)
}

// refusal reads an answer that is no success. What it hides is in the request, in case the answer repeats it.
func refusal(op string, res *http.Response, body []byte, now time.Time, hide secrets) *Error {
	text := hide.redact(string(body), len(body) == maxErrorBody)
	e := &Error{Op: op, Status: res.StatusCode}
	if e.Reason = details([]byte(text)); len(e.Reason) > 0 {
		e.Code = e.Reason[0].Code
	} else {
		e.Body = untrusted.Clean(text, maxErrorText)
	}
	date := now
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		e.Skew, date = at.Sub(now), at
	}
	e.Wait = untrusted.RetryAfter(res.Header.Get("Retry-After"), date)
	return e
}

// details reads the errors of an answer, in the form of the API (Apple, "ErrorResponse") or of the token endpoint.
func details(body []byte) []Detail {
	var answer struct {
		Errors []struct {
			Code   untrusted.Text `json:"code"`
			Title  untrusted.Text `json:"title"`
			Detail untrusted.Text `json:"detail"`
			Source *struct {
				Pointer   untrusted.Text `json:"pointer"`
				Parameter untrusted.Text `json:"parameter"`
			} `json:"source"`
		} `json:"errors"`
		Error       untrusted.Text `json:"error"`
		Description untrusted.Text `json:"error_description"`
	}
	if untrusted.CheckJSON(body) != nil || json.Unmarshal(body, &answer) != nil {
		return nil
	}
	if answer.Error != "" {
		return []Detail{{Code: code(answer.Error), Detail: short(answer.Description)}}
	}
	var out []Detail
	for _, one := range answer.Errors[:min(len(answer.Errors), maxDetails)] {
		d := Detail{Code: code(one.Code), Title: short(one.Title), Detail: short(one.Detail)}
		if one.Source != nil {
			d.Pointer, d.Parameter = short(one.Source.Pointer), short(one.Source.Parameter)
		}
		out = append(out, d)
	}
	return out
}

// code is a word of letters, digits, underscores and dots, or none.
func code(text untrusted.Text) Code {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
	if len(text) > 128 || strings.Trim(string(text), letters) != "" || strings.ContainsAny(string(text), " \t\r\n") {
		return ""
	}
	return Code(text.ID())
}

func short(text untrusted.Text) string { return untrusted.Clean(string(text), maxErrorText) }
