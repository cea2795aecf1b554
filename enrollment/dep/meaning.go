package dep

import "github.com/abmrenew/abmrenew/abmtoken"

// meaning is what a code stands for.
type meaning struct {
	is   error  // the sentinel that an [*Error] with it matches, under the status that goes with it
	next string // what a person does about it
}

// meanings are those of the codes.
var meanings = map[Code]meaning{
	CodeTokenRejected:    {abmtoken.ErrRejected, "download a new server token from Apple's portal"},
	CodeSignatureInvalid: {abmtoken.ErrRejected, "download a new server token from Apple's portal"},
	CodeTermsNotSigned:   {abmtoken.ErrTermsPending, "an administrator has to sign in to Apple's portal and accept the new terms; the token stays good"},
	CodeAccessDenied:     {abmtoken.ErrAccessDenied, "the service, or the person who downloaded the token, may not do this; check both in Apple's portal"},
	CodeForbidden:        {abmtoken.ErrAccessDenied, "check in Apple's portal that the service and the person who downloaded the token still exist"},
	CodeSeedTurnedOff:    {abmtoken.ErrAccessDenied, "the organization has turned AppleSeed for IT off"},

	CodeUserAgentMissing:    {ErrRequest, "set Options.UserAgent"},
	CodeUserAgentInvalid:    {ErrRequest, "set Options.UserAgent to the name of your product"},
	CodeMalformedBody:       {ErrRequest, "Apple did not understand the request; check its values"},
	CodeDeviceIDRequired:    {ErrRequest, "name at least one device"},
	CodeProfileUUIDRequired: {ErrRequest, "name the profile"},
	CodeNotFound:            {ErrNotFound, "Apple does not know it; check that it belongs to this service"},

	CodeCursorRequired:  {ErrCursor, "fetch all devices again, without a cursor"},
	CodeCursorInvalid:   {ErrCursor, "fetch all devices again, without a cursor"},
	CodeCursorExpired:   {ErrCursor, "fetch all devices again, without a cursor: cursors live for seven days"},
	CodeCursorExhausted: {ErrExhausted, "the fetch is complete; go on with a sync from this cursor, or fetch again without one"},

	CodeConfigNameRequired:  {ErrRequest, "give the profile a name"},
	CodeConfigNameInvalid:   {ErrRequest, "the profile's name may have 125 characters"},
	CodeConfigURLRequired:   {ErrRequest, "give the profile the URL of your service"},
	CodeConfigURLInvalid:    {ErrRequest, "the profile's URL has to be https and may have 2000 characters"},
	CodeDepartmentInvalid:   {ErrRequest, "the profile's department may have 125 characters"},
	CodeMagicInvalid:        {ErrRequest, "the profile's org_magic may have 256 characters"},
	CodeSupportPhoneInvalid: {ErrRequest, "the profile's support phone number may have 50 characters"},
	CodeSupportEmailInvalid: {ErrRequest, "the profile's support e-mail address may have 250 characters"},
	CodeFlagsInvalid:        {ErrRequest, "the profile's switches contradict each other; is_mdm_removable may be false only if supervised"},
	CodeLocaleInvalid:       {ErrRequest, "the profile's language or region is none that Apple knows"},
}
