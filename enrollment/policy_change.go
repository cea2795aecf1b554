package enrollment

import "slices"

// Change returns the change that makes any policy this one.
func (p Policy) Change() PolicyChange {
	return PolicyChange{
		Reminders:          slices.Clone(p.Reminders),
		ExpiringWithin:     &p.ExpiringWithin,
		ProbeEvery:         &p.ProbeEvery,
		RecheckEvery:       &p.RecheckEvery,
		UnreachableAfter:   &p.UnreachableAfter,
		UploadWithin:       &p.UploadWithin,
		RemindWaiting:      &p.RemindWaiting,
		FreshFor:           &p.FreshFor,
		UploadsPerMinute:   &p.UploadsPerMinute,
		RequireAppleIssuer: &p.RequireAppleIssuer,
		MigrationDeadline:  &p.MigrationDeadline,
		PostsPerHour:       &p.PostsPerHour,
		Wipes:              p.Wipes.change(),
		AssignWithin:       &p.AssignWithin,
		WipeFreshFor:       &p.WipeFreshFor,
		WipeAnswerWithin:   &p.WipeAnswerWithin,
		EnrollWithin:       &p.EnrollWithin,
		MigrationGrace:     &p.MigrationGrace,
		KeepFinished:       &p.KeepFinished,
	}
}

func (w WipePolicy) change() *WipeChange {
	return &WipeChange{
		On:                 &w.On,
		AlonePlan:          &w.AlonePlan,
		Approvals:          &w.Approvals,
		ApproveWithin:      &w.ApproveWithin,
		ApprovedFor:        &w.ApprovedFor,
		Cooling:            &w.Cooling,
		Budget:             slices.Clone(w.Budget),
		InstallationBudget: slices.Clone(w.InstallationBudget),
		Waves:              slices.Clone(w.Waves),
		WaveShare:          &w.WaveShare,
		WaveEnough:         &w.WaveEnough,
		FailureRatio:       &w.FailureRatio,
	}
}
