package runner

import (
	"context"
	"errors"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// asProblem makes sure that a caller gets a problem: what the store, the sealer and the file reader say is put into the
// one vocabulary. Problems, and the end of the caller's context, pass as they are.
func asProblem(err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*enrollment.Problem](err); ok {
		return p
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, known := range []struct {
		is   error
		code enrollment.Code
	}{
		{storage.ErrConflict, enrollment.CodeConflict},
		{storage.ErrLocked, enrollment.CodeStoreLocked},
		{storage.ErrFull, enrollment.CodeStoreFull},
		{storage.ErrDamaged, enrollment.CodeStoreDamaged},
		{storage.ErrShredded, enrollment.CodeTenantErased},
		{storage.ErrWrongKeys, enrollment.CodeWrongKeyring},
		{storage.ErrSealed, enrollment.CodeWrongKeyring},
		{storage.ErrKeyUnavailable, enrollment.CodeKeyUnavailable},
		{storage.ErrInvalid, enrollment.CodeInternal},
	} {
		if errors.Is(err, known.is) {
			return enrollment.NewProblem(known.code).Because(err)
		}
	}
	return enrollment.NewProblem(enrollment.CodeStoreFailed).Because(err)
}

// absent reports whether there is no record of an ID, be it that no record can have such an ID.
func absent(err error) bool {
	return errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid)
}

// missing turns "no such record" into words about the thing that was asked for.
func missing(err error, what string) error {
	if absent(err) {
		return enrollment.NewProblem(enrollment.CodeNotFound, "what", what)
	}
	return err
}

// unknown reports whether a write may or may not have happened.
func unknown(err error) bool {
	if err == nil {
		return false
	}
	for _, definite := range []error{
		storage.ErrNotFound, storage.ErrConflict, storage.ErrInvalid, storage.ErrLocked, storage.ErrDamaged, storage.ErrFull,
		storage.ErrSealed, storage.ErrShredded, storage.ErrKeyUnavailable, storage.ErrWrongKeys,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, definite) {
			return false
		}
	}
	_, told := errors.AsType[*enrollment.Problem](err)
	return !told
}

// fileProblem says what is wrong with a file.
func fileProblem(err error) *enrollment.Problem {
	if other, ok := errors.AsType[*abmtoken.NotServerTokenError](err); ok {
		return enrollment.NewProblem(enrollment.CodeNotServerToken,
			"found", string(other.Kind), "advice", capital(other.Kind.Advice())).Because(err)
	}
	for _, known := range []struct {
		is   error
		code enrollment.Code
	}{
		{abmtoken.ErrTooLarge, enrollment.CodeTooLarge},
		{abmtoken.ErrUnsupported, enrollment.CodeUnsupported},
		{abmtoken.ErrUnknownRecipient, enrollment.CodeNoKeyFits},
		{abmtoken.ErrDecrypt, enrollment.CodeCannotDecrypt},
		{abmtoken.ErrBadContent, enrollment.CodeBadContent},
	} {
		if errors.Is(err, known.is) {
			return enrollment.NewProblem(known.code).Because(err)
		}
	}
	if errors.Is(err, abmtoken.ErrFIPS) {
		return enrollment.NewProblem(enrollment.CodeFIPS, "what", "RSA PKCS #1 v1.5 decryption").Because(err)
	}
	return enrollment.NewProblem(enrollment.CodeInternal).Because(err)
}

// capital begins a sentence.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// invalid says which value of a call is not possible.
func invalid(field, rule string) *enrollment.Problem {
	return enrollment.NewProblem(enrollment.CodeInvalidInput, "field", field, "rule", rule)
}
