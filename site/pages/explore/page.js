import { keepOffline } from "@site/offline.js";

keepOffline();
