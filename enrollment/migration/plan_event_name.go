package migration

// Name implements [PlanEvent].
func (DevicesListed) Name() EventName { return EventListed }

// Name implements [PlanEvent].
func (SubmitRequested) Name() EventName { return EventSubmit }

// Name implements [PlanEvent].
func (ApproveRequested) Name() EventName { return EventApprove }

// Name implements [PlanEvent].
func (RejectRequested) Name() EventName { return EventReject }

// Name implements [PlanEvent].
func (StartRequested) Name() EventName { return EventStart }

// Name implements [PlanEvent].
func (PauseRequested) Name() EventName { return EventPause }

// Name implements [PlanEvent].
func (ResumeRequested) Name() EventName { return EventResume }

// Name implements [PlanEvent].
func (DeviceExcluded) Name() EventName { return EventExcluded }

// Name implements [PlanEvent].
func (DeviceRetried) Name() EventName { return EventRetried }

// Name implements [PlanEvent].
func (PushLost) Name() EventName { return EventPushLost }

// Name implements [PlanEvent].
func (PushRestored) Name() EventName { return EventPushRestored }

// Name implements [PlanEvent].
func (ServiceGone) Name() EventName { return EventServiceGone }

// Name implements [PlanEvent].
func (ProfileGone) Name() EventName { return EventProfileGone }

// Name implements [PlanEvent].
func (SwitchSet) Name() EventName { return EventSwitchSet }

// Name implements [PlanEvent].
func (Counted) Name() EventName { return EventCounted }

// Name implements [PlanEvent].
func (BatchesMade) Name() EventName { return EventBatchesMade }

// Name implements [PlanEvent].
func (Looking) Name() EventName { return EventLooking }

// Name implements [PlanEvent].
func (DeviceRevived) Name() EventName { return EventRevived }

// Name implements [PlanEvent].
func (BatchEnded) Name() EventName { return EventBatchEnded }

// Name implements [PlanEvent].
func (MovesTold) Name() EventName { return EventMovesTold }

// Name implements [PlanEvent].
func (WaveEnded) Name() EventName { return EventWaveEnded }

// Name implements [PlanEvent].
func (PlanNotified) Name() EventName { return EventNotified }

// Name implements [PlanEvent].
func (PlanTicked) Name() EventName { return EventTick }

func (DevicesListed) plan()    {}
func (SubmitRequested) plan()  {}
func (ApproveRequested) plan() {}
func (RejectRequested) plan()  {}
func (StartRequested) plan()   {}
func (PauseRequested) plan()   {}
func (ResumeRequested) plan()  {}
func (DeviceExcluded) plan()   {}
func (DeviceRetried) plan()    {}
func (PushLost) plan()         {}
func (PushRestored) plan()     {}
func (ServiceGone) plan()      {}
func (ProfileGone) plan()      {}
func (SwitchSet) plan()        {}
func (Counted) plan()          {}
func (BatchesMade) plan()      {}
func (Looking) plan()          {}
func (DeviceRevived) plan()    {}
func (BatchEnded) plan()       {}
func (MovesTold) plan()        {}
func (WaveEnded) plan()        {}
func (PlanNotified) plan()     {}
func (PlanTicked) plan()       {}
func (CancelRequested) plan()  {}
