//===- session.h - a session, seen from inside --------------------------------===//
#ifndef THRESH_RUNTIME_SRC_SESSION_H
#define THRESH_RUNTIME_SRC_SESSION_H

#include "thresh/thresh.h"

/// The model of the session, which lives as long as it.
const thresh_model *thresh_session_model(const thresh_session *session);

#endif // THRESH_RUNTIME_SRC_SESSION_H
